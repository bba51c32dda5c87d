"""How much is asked of the hotline, by whom and of what, how it ends and what people think of it; no ids."""
