"""llmproxy/cli"""
