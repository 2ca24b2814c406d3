"""Noise mechanisms. One file imports opendp."""
