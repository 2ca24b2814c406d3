"""What a folder tells its reader: types, units, the promise, the registry's fields; and no more."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from release_town import Town, bytes_of

from pipelines import read_release
from pipelines.release.plan import plan
from pipelines.release.run import release

# Field names and enumerations of the schema of OpenDP's deployments registry, as of July 2026
# (github.com/opendp/deployments-registry-data, schemas/deployments-schema.yaml).
TOP = {"url_slug", "status", "tier", "deployment"}
REGISTRY = {
    "basic": {
        *("name", "data_curators", "intended_use", "data_product_type", "data_product_region"),
        *("description", "publication_date", "data_product_sector"),
    },
    "dp_variant": {"variant_name", "data_domain", "unprotected_quantities"},
    "privacy_loss": {
        *("privacy_unit", "privacy_unit_details", "privacy_parameters"),
        "privacy_parameters_details",
    },
    "deployment_model": {
        *("model_name", "model_name_details", "actors", "release_type", "release_type_details"),
        *("data_source_type", "data_source_type_details", "access_type", "access_type_details"),
    },
    "accounting": {"post_processing", "composition"},
    "implementation": {
        *("preprocessing_and_hyperparameter_tuning", "mechanisms", "justification"),
    },
    "administrative": {"sources", "notes", "registry_authors"},
}
ENUMERATED = {
    ("basic", "data_product_type"): {"Summary statistics", "Dataset", "Synthetic data"},
    ("basic", "data_product_sector"): {"Technology", "Healthcare", "Government"},
    ("dp_variant", "variant_name"): {"Pure DP", "Approximate DP", "Zero-concentrated DP"},
    ("deployment_model", "model_name"): {"Local", "Central", "Shuffle", "Federated"},
    ("deployment_model", "release_type"): {"One release", "Many releases"},
    ("deployment_model", "data_source_type"): {"Static", "Dynamic"},
    ("deployment_model", "access_type"): {"Interactive", "Non-interactive"},
}


@pytest.fixture
def folder(released: Town) -> Path:
    """A released folder, only to be read."""
    (made,) = released.releases.iterdir()
    return made


def test_the_registry_record_has_the_registry_s_fields_and_words(folder: Path) -> None:
    record = read_release(folder).privacy["registry"]
    assert set(record) == TOP
    assert record["status"] == "Draft"
    assert record["tier"] == 3
    parts = record["deployment"]
    assert {name: set(part) for name, part in parts.items()} == REGISTRY
    for (part, field), words in ENUMERATED.items():
        assert parts[part][field] in words
    pd.Timestamp(parts["basic"]["publication_date"])
    assert set(parts["privacy_loss"]["privacy_parameters"]) <= {"epsilon", "delta", "rho"}
    assert parts["privacy_loss"]["privacy_parameters"]["rho"] == 0.5
    lists = {("basic", "data_curators"), ("administrative", "registry_authors")}
    for part, fields in parts.items():
        for name, value in fields.items():
            wanted = (
                list if (part, name) in lists else dict if name == "privacy_parameters" else str
            )
            assert isinstance(value, wanted), (part, name)
            assert value


def test_the_guarantee_states_unit_attestation_and_exact_losses(
    folder: Path, released: Town
) -> None:
    told = read_release(folder).privacy["guarantee"]
    assert told["unit"] == "one person, 30 dates"
    assert "at most 1 identifier on any one date" in told["attestation"]
    assert told["policy"]["cap_rho"] == "1/2"
    planned = plan(released.spec())
    assert told["rho_per_date"] == str(planned.rate.rho.value)
    assert told["spans"] == planned.epsilons()
    assert {row["dates"] for row in told["spans"]} == {1, 7, 30, 365, None}
    for row in told["spans"]:
        chances = [(a["p_out"], a["p_in_at_most"]) for a in row["attack_bound"]]
        assert all(before < after <= 1 for before, after in chances)


def test_bounds_of_a_person_are_stated_in_released_units(folder: Path) -> None:
    bounds = {
        row["table"]: row["bounds"] for row in read_release(folder).privacy["guarantee"]["tables"]
    }
    assert bounds["panel"] == {"l0": 1, "l1": 1.0, "l2": pytest.approx(1.0), "linf": 1.0}
    assert bounds["presence"]["l0"] == 24
    assert bounds["presence"]["l2"] == pytest.approx(24**0.5)
    assert bounds["visits"]["l2"] == pytest.approx(2.0)
    assert bounds["visits"]["l0"] == 6
    assert bounds["visits"]["l1"] == pytest.approx((6 * 4) ** 0.5, abs=1e-3)


@pytest.mark.usefixtures("counted")
def test_gaussian_forms_are_printed_only_for_gaussian_noise(town: Town) -> None:
    first = read_release(release(town.spec())).privacy["guarantee"]
    assert first["gaussian_forms_approximate"]["mu"] == pytest.approx((2 * 2 / 60) ** 0.5, abs=1e-3)
    second = release(town.edit('table = "panel"', 'table = "panel"\nnoise = "laplace"'))
    assert read_release(second).privacy["guarantee"]["gaussian_forms_approximate"] is None


def test_the_dictionary_describes_every_column_of_every_file(folder: Path) -> None:
    found = read_release(folder)
    resources = {row["path"]: row for row in found.dictionary["resources"]}
    described = {name for name in bytes_of(folder) if name.split("/")[0] != name}
    assert set(resources) == described | {"zones.geojson"}
    for table in found:
        fields = resources[f"tables/{table}.csv"]["schema"]["fields"]
        assert [field["name"] for field in fields] == list(found[table].columns)
        assert all(field["description"] for field in fields)
        _check_types(fields, found[table])
        value = next(field for field in fields if field["name"] == "value")
        assert value["unit"] == found[table].attrs["counts"]
        if found[table].attrs["layer"] == "measured":
            assert value["unit"] == {"od_flows": "trips"}.get(table, "persons")


def _check_types(fields: list[Mapping[str, Any]], frame: pd.DataFrame) -> None:
    kinds = {
        "date": "datetime64",
        "datetime": "datetime64",
        "integer": "int64",
        "number": "float64",
        "string": "category",
    }
    for field in fields:
        assert str(frame[field["name"]].dtype).startswith(kinds[field["type"]]), field


def test_frames_have_types_that_an_analyst_expects_and_carry_their_unit(folder: Path) -> None:
    frame = read_release(folder)["presence"]
    assert str(frame["bin_start"].dtype) == "datetime64[ms, Asia/Seoul]"
    assert frame["date"].dt.strftime("%Y-%m-%d").unique().tolist() == ["2026-03-02", "2026-03-03"]
    assert frame["zone"].cat.categories.is_monotonic_increasing
    assert frame.attrs["unit"] == "one person, 30 dates"
    assert frame.attrs["counts"] == "persons"
    assert frame.groupby("date", observed=True)["value"].sum().shape == (2,)


def test_zones_come_back_with_names_parents_and_population(folder: Path, released: Town) -> None:
    zones = read_release(folder).zones
    world = plan(released.spec()).world.zones
    assert zones["zone"].tolist() == list(world.ids)
    assert zones["parent"].tolist() == list(world.parents)
    assert zones["population"].tolist() == list(world.population)
    assert zones.geometry.geom_equals(world.frame.geometry.reset_index(drop=True)).all()
    assert zones.crs.to_epsg() == 4326


def test_the_readme_says_unit_epsilon_delta_and_every_status(folder: Path) -> None:
    text = (folder / "README.md").read_text(encoding="utf-8")
    for words in (
        "everything that one person did in any 30 dates in a row",
        "| 30 dates, every date charged as here | 0.5 | 5.222 | 1e-06 |",
        "| 365 dates, every date charged as here | 6.0834 | 23.29 | 1e-06 |",
        "because that person's records were used",
        "does not stop guessing from regularity",
        *("`ok`", "`low_precision`", "`structural_zero`", "`no_data`", "`not_released`"),
        *("### panel", "### presence", "### visits", "### od_flows"),
    ):
        assert words in text, words
    assert "nan" not in text.lower().split()


def test_the_manifest_says_spec_code_and_where_the_ledger_booked_it(folder: Path) -> None:
    said = read_release(folder).manifest
    assert said["spec"]["title"] == "Daily mobility, Garam (synthetic)"
    assert said["code"]["package"] == "murmuration-mobility"
    assert set(said["ledger"]) == {"id", "sequence", "head"}
    assert said["tables"] == ["panel", "presence", "visits", "od_flows"]


def test_no_path_and_no_machine_is_named_in_any_document(folder: Path, released: Town) -> None:
    import socket

    for name in ("README.md", "manifest.json", "privacy.json", "datapackage.json"):
        text = (folder / name).read_text(encoding="utf-8")
        for word in (str(released.folder), str(released.folder.parent), "pings/*", "devices.csv"):
            assert word not in text, (name, word)
        assert socket.gethostname() not in text.split()
