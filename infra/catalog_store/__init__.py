"""infra/catalog_store"""
