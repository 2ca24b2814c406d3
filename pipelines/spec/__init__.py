"""Specs and policies: TOML in, frozen models out, every fault in one clear line."""
