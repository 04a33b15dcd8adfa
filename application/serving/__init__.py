"""application/serving"""
