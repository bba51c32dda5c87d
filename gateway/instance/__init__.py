"""Everything of one deployment on one machine: start it, watch it, stop it.

``up`` is what ``gateway up`` does; ``running`` gives tests and the demo tour an
instance for the length of a ``with`` block.
"""

from gateway.instance.life import Hooks, Instance, Ready, running, up
from gateway.instance.supervisor import StartError

__all__ = ["Hooks", "Instance", "Ready", "StartError", "running", "up"]
