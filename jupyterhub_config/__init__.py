"""How a site is put together. Data for JupyterHub; the products themselves know nothing of it."""
