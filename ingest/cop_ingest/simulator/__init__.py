"""The simulator: one typhoon day, served over HTTP as the sources publish it.

`world` tells what is so at a time; `writers` make a source's bytes of it; `endpoints` says which address answers with
which; `app` serves them by a clock that may run faster; `faults` breaks them on request. Nothing of it is real but
names, formats and, where the recordings are at hand, the wind.
"""
