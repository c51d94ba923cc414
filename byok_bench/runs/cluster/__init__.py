"""A run on a Dask cluster: who plays what (`leases`), what workers say (`messages`), their side (`worker`), and
what all of them may spend (`lent_purse`).

`cluster_run` holds them together on the side of the client, which alone writes the result file; `driver` parts a run
between client and cluster.
"""
