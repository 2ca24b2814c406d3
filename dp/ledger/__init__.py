"""The budget ledger: charged before noise is drawn, hash-chained, windowed."""
