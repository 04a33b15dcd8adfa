"""infra/providers/simulator"""
