from hypothesis import settings

# Examples are not timed: the machine may be busy, and a slow example is not a wrong one.
settings.register_profile("oci", deadline=None)
settings.load_profile("oci")
