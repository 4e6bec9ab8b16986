"""The store: migrations, layers, statements and connections of PostGIS."""
