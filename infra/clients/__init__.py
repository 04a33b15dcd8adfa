"""infra/clients"""
