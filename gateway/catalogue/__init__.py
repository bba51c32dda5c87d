"""One file per transaction type. Each holds one ``TYPE`` and imports no other."""
