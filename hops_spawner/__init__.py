"""How people log in at the Hub, and how their notebook servers start: on this machine or on Kubernetes."""
