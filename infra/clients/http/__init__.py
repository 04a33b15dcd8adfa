"""infra/clients/http"""
