"""A synthetic city: simulated people and records for demos, tests and audits."""

from pipelines.twin.city import make_city
from pipelines.twin.files import CityFiles
from pipelines.twin.settings import CitySettings

__all__ = ["CityFiles", "CitySettings", "make_city"]
