"""What a call costs, and whether the next one may still be paid."""
