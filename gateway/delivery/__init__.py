"""From a due notification to a receipt: claim, attempt, outcome, reconcile, receipts, ledger."""
