from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2Hasher(Argon2PasswordHasher):
    """Argon2id with that of OWASP's choices of equal strength which takes the least memory; in KiB.

    Each of a process's hashes at the same time takes that much on top of all else.
    """

    time_cost = 5
    memory_cost = 7168
    parallelism = 1
