"""How fast the product is: its real processes on this machine, against ceilings of the same run."""
