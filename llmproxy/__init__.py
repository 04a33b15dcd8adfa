"""llmproxy"""
