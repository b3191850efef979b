"""What an entity is: the components of the engine, one module each, and the resources that systems share."""

from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.components.regulation import Regulation
from sensorium.components.token import Token

__all__ = ["Carrier", "Oscillator", "Particle", "Regulation", "Token"]
