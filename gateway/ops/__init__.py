"""What operators look at and steer: the console under ``/ops``, and ``/metrics`` for machines."""
