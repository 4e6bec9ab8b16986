"""The exercise's story: two years of a city's incidents, and a typhoon day that is told on as the exercise goes.

Everything is drawn from one seed. `story` makes the steps, each with its time; `telling` writes them into the store at
those times. Nothing of it is real but the names of places and departments; times of past storms are near the true ones.
"""
