"""Estimates for models (layer 4): biased on purpose, smaller in error, never to be summed.

Everything here is postprocessing of noisy values and public facts: it costs no budget.
"""
