"""Simulator: made-up registrations of made-up women as providers' extracts, with the truth beside them."""

from dedup.lab.simulate.files import write
from dedup.lab.simulate.generate import generate
from dedup.lab.simulate.settings import Simulation, SimulationError, SimulationSettings

__all__ = ["Simulation", "SimulationError", "SimulationSettings", "generate", "write"]
