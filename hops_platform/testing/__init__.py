"""For whoever tests the control plane or writes an adapter: the contract of each port, fakes and factories."""
