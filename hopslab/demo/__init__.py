"""The main job, walked over HTTP as a person's browser would."""
