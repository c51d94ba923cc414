"""Faults: what the simulator does wrong on purpose. A fault's id is the id of the check that notices it.

`list_faults()` lists all; `FaultPlan` says which act on a request. The faults themselves are in the files of their
groups, each a small function over the good reply.
"""

from byok_bench.backends.simulator.faults.fault import Fault
from byok_bench.backends.simulator.faults.fault_plan import FaultPlan, find_faults, list_faults

__all__ = ["Fault", "FaultPlan", "find_faults", "list_faults"]
