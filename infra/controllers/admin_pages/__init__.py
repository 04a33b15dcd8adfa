"""The administration in a browser: sign-in, sessions, and the pages of ``/admin``."""
