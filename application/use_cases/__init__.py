"""application/use_cases"""
