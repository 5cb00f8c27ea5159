"""Backtest: what a change of policies would have done to items that were decided already."""
