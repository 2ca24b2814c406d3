"""A synthetic city: simulated people and records for demos, tests and audits."""
