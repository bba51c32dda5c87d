"""Places at the service halls: which there are, who has one, and that none is given twice."""
