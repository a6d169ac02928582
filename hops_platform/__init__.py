"""The control plane: who may do what with which project, and what follows from it elsewhere."""
