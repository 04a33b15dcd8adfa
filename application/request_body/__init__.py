"""Reading the few members and form fields of a request that serving needs; everything else in it stays opaque."""
