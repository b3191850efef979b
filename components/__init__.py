"""What an entity is: the components of the engine, one module each."""

from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle

__all__ = ["Carrier", "Oscillator", "Particle"]
