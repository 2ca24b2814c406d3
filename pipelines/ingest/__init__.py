"""Sources in, clean points per person out; bad rows set aside and counted in private."""
