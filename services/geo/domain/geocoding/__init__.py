"""Text to place, offline and in memory: a municipality's register, its places, and the rules of Swedish addresses.

``words`` reads, ``register`` and ``places`` hold what there is, ``streets`` and ``numbers`` match, ``geocoder`` orders
the steps, ``answers`` says what came of it.
"""
