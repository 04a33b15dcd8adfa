"""Side-by-side benchmarks on loopback: ``python -m bench``. Not tests: nothing asserts how long something takes."""
