"""A run on a Dask cluster: who plays what (`leases`), what workers say (`messages`), their side (`worker`), and
what all of them may spend (`lent_purse`).

`driver` holds the three together on the side of the client, which alone writes the result file.
"""
