"""The catalogue: layers as data, read from layers/*.yml."""

from cop.catalogue.load import Catalogue, catalogue, load_catalogue
from cop.catalogue.models import Bilingual, Column, Layer

__all__ = ["Bilingual", "Catalogue", "Column", "Layer", "catalogue", "load_catalogue"]
