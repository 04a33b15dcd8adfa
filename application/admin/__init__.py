"""application/admin"""
