using './main.bicep'

param image = 'REGISTRY.azurecr.io/llmproxy:1.0.0'
param adminKey = readEnvironmentVariable('LLMPROXY_ADMIN_KEY')
param signingKey = readEnvironmentVariable('LLMPROXY_SIGNING_KEY')
