from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with OWASP's first choice of cost; memory in KiB."""

    time_cost = 2
    memory_cost = 19456
    parallelism = 1
