"""From a noisy panel count to an estimate of the population (layer 3). Costs nothing."""
