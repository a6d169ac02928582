"""HTTP: Livy's routes and ours beside them."""
