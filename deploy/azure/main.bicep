// LLM Proxy on Azure: Container Apps or Container Instances, Cosmos DB, Key Vault, an identity, logs. docs/deploy.md has the commands.
targetScope = 'resourceGroup'

@description('Prefix of every name; letters and digits.')
@minLength(3)
@maxLength(12)
param name string = 'llmproxy'

@description('Region.')
param location string = resourceGroup().location

@description('Where the proxy runs.')
@allowed([
  'ContainerApp'
  'ContainerInstance'
])
param host string = 'ContainerApp'

@description('Image with its registry and its tag or digest, built with EXTRAS="keyvault appinsights".')
param image string

@description('Key of the administrator, at least 32 characters.')
@secure()
param adminKey string

@description('Seals ids of stored responses, at least 16 characters.')
@secure()
param signingKey string

@description('Replicas of the Container App: at least and at most.')
param minReplicas int = 2
param maxReplicas int = 10

@description('Reach Cosmos DB and the Key Vault through private endpoints alone.')
param privateNetwork bool = false

var suffix = uniqueString(resourceGroup().id)
var database = 'llm-proxy'
var adminKeyName = 'LLMPROXY-ADMIN-KEY'
var signingKeyName = 'LLMPROXY-SIGNING-KEY'
var secretsUserRole = '4633458b-17de-408a-b874-0445c86b69e6'

// Containers as `llmproxy init` makes them; identities may not create any (docs/cosmos.md).
var containers = [
  {
    name: 'models'
    paths: ['/provider']
    ttl: 0
  }
  {
    name: 'projects'
    paths: ['/id']
    ttl: 0
  }
  {
    name: 'administrators'
    paths: ['/id']
    ttl: 0
  }
  {
    name: 'history'
    paths: ['/document_id']
    ttl: 0
  }
  {
    name: 'usage'
    paths: ['/project', '/month', '/id']
    ttl: 0
  }
  {
    name: 'audit'
    paths: ['/log']
    ttl: 0
  }
  {
    name: 'leases'
    paths: ['/subject']
    ttl: 0
  }
  {
    name: 'content'
    paths: ['/project', '/id']
    ttl: -1
  }
  {
    name: 'health'
    paths: ['/id']
    ttl: 86400
  }
]

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: '${name}-identity'
  location: location
}

resource logs 'Microsoft.OperationalInsights/workspaces@2023-09-01' = {
  name: '${name}-logs'
  location: location
  properties: {
    sku: {
      name: 'PerGB2018'
    }
    retentionInDays: 30
  }
}

resource insights 'Microsoft.Insights/components@2020-02-02' = {
  name: '${name}-insights'
  location: location
  kind: 'web'
  properties: {
    Application_Type: 'web'
    WorkspaceResourceId: logs.id
  }
}

resource cosmos 'Microsoft.DocumentDB/databaseAccounts@2024-11-15' = {
  name: '${name}-${suffix}'
  location: location
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: [
      {
        name: 'EnableServerless'
      }
    ]
    locations: [
      {
        locationName: location
        failoverPriority: 0
      }
    ]
    consistencyPolicy: {
      defaultConsistencyLevel: 'Session'
    }
    disableLocalAuth: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: 'Continuous7Days'
      }
    }
  }
}

resource cosmosDatabase 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2024-11-15' = {
  parent: cosmos
  name: database
  properties: {
    resource: {
      id: database
    }
  }
}

@batchSize(1)
resource cosmosContainers 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2024-11-15' = [for container in containers: {
  parent: cosmosDatabase
  name: container.name
  properties: {
    resource: {
      id: container.name
      partitionKey: {
        kind: length(container.paths) == 1 ? 'Hash' : 'MultiHash'
        paths: container.paths
        version: 2
      }
      defaultTtl: container.ttl == 0 ? null : container.ttl
    }
  }
}]

// Reads and writes items, of this database alone; it cannot create or delete containers.
resource dataRole 'Microsoft.DocumentDB/databaseAccounts/sqlRoleDefinitions@2024-11-15' = {
  parent: cosmos
  name: guid(cosmos.id, 'llmproxy')
  properties: {
    roleName: 'LLM Proxy'
    type: 'CustomRole'
    assignableScopes: [
      cosmos.id
    ]
    permissions: [
      {
        dataActions: [
          'Microsoft.DocumentDB/databaseAccounts/readMetadata'
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/executeQuery'
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/readChangeFeed'
          'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers/items/*'
        ]
      }
    ]
  }
}

resource dataAssignment 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2024-11-15' = {
  parent: cosmos
  name: guid(cosmos.id, identity.id, 'llmproxy')
  properties: {
    roleDefinitionId: dataRole.id
    principalId: identity.properties.principalId
    scope: '${cosmos.id}/dbs/${database}'
  }
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' = {
  name: take('${name}-${suffix}', 24)
  location: location
  properties: {
    tenantId: subscription().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    publicNetworkAccess: privateNetwork ? 'Disabled' : 'Enabled'
  }
}

resource adminSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: adminKeyName
  properties: {
    value: adminKey
  }
}

resource signingSecret 'Microsoft.KeyVault/vaults/secrets@2023-07-01' = {
  parent: vault
  name: signingKeyName
  properties: {
    value: signingKey
  }
}

resource vaultAssignment 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(vault.id, identity.id, secretsUserRole)
  scope: vault
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', secretsUserRole)
  }
}

resource network 'Microsoft.Network/virtualNetworks@2024-01-01' = if (privateNetwork) {
  name: '${name}-network'
  location: location
  properties: {
    addressSpace: {
      addressPrefixes: [
        '10.60.0.0/16'
      ]
    }
    subnets: [
      {
        name: 'proxy'
        properties: {
          addressPrefix: '10.60.0.0/23'
          delegations: [
            {
              name: 'host'
              properties: {
                serviceName: host == 'ContainerApp' ? 'Microsoft.App/environments' : 'Microsoft.ContainerInstance/containerGroups'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: '10.60.2.0/24'
        }
      }
    ]
  }
}

var targets = [
  {
    name: 'cosmos'
    service: cosmos.id
    group: 'Sql'
    zone: 'privatelink.documents.azure.com'
  }
  {
    name: 'vault'
    service: vault.id
    group: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
  }
]

var usedTargets = privateNetwork ? targets : []

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [for target in usedTargets: {
  name: target.zone
  location: 'global'
}]

resource zoneLinks 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [for (target, index) in usedTargets: {
  parent: zones[index]
  name: 'proxy'
  location: 'global'
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: network.id
    }
  }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-01-01' = [for target in usedTargets: {
  name: '${name}-${target.name}'
  location: location
  properties: {
    subnet: {
      id: '${network.id}/subnets/endpoints'
    }
    privateLinkServiceConnections: [
      {
        name: target.name
        properties: {
          privateLinkServiceId: target.service
          groupIds: [
            target.group
          ]
        }
      }
    ]
  }
}]

resource endpointZones 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-01-01' = [for (target, index) in usedTargets: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: target.name
        properties: {
          privateDnsZoneId: zones[index].id
        }
      }
    ]
  }
}]

resource environment 'Microsoft.App/managedEnvironments@2024-03-01' = if (host == 'ContainerApp') {
  name: '${name}-environment'
  location: location
  properties: {
    appLogsConfiguration: {
      destination: 'log-analytics'
      logAnalyticsConfiguration: {
        customerId: logs.properties.customerId
        sharedKey: logs.listKeys().primarySharedKey
      }
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
    vnetConfiguration: privateNetwork ? {
      infrastructureSubnetId: '${network.id}/subnets/proxy'
    } : null
  }
}

resource app 'Microsoft.App/containerApps@2024-03-01' = if (host == 'ContainerApp') {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    environmentId: environment.id
    configuration: {
      ingress: {
        external: true
        targetPort: 8000
        allowInsecure: false
      }
      secrets: [
        {
          name: 'admin-key'
          keyVaultUrl: '${vault.properties.vaultUri}secrets/${adminKeyName}'
          identity: identity.id
        }
        {
          name: 'signing-key'
          keyVaultUrl: '${vault.properties.vaultUri}secrets/${signingKeyName}'
          identity: identity.id
        }
        {
          name: 'insights'
          value: insights.properties.ConnectionString
        }
      ]
    }
    template: {
      terminationGracePeriodSeconds: 150
      containers: [
        {
          name: 'llmproxy'
          image: image
          args: [
            'serve'
          ]
          resources: {
            cpu: json('1.0')
            memory: '2Gi'
          }
          env: [
            {
              name: 'ENVIRONMENT'
              value: 'production'
            }
            {
              name: 'HOST'
              value: '0.0.0.0'
            }
            {
              name: 'COSMOS_URL'
              value: cosmos.properties.documentEndpoint
            }
            {
              name: 'LLMPROXY_KEY_VAULT_URL'
              value: vault.properties.vaultUri
            }
            {
              name: 'AZURE_CLIENT_ID'
              value: identity.properties.clientId
            }
            {
              name: 'LLMPROXY_DRAIN_DELAY'
              value: '5'
            }
            {
              name: 'LLMPROXY_ADMIN_KEY'
              secretRef: 'admin-key'
            }
            {
              name: 'LLMPROXY_SIGNING_KEY'
              secretRef: 'signing-key'
            }
            {
              name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
              secretRef: 'insights'
            }
          ]
          probes: [
            {
              type: 'Startup'
              httpGet: {
                path: '/health'
                port: 8000
              }
              periodSeconds: 1
              failureThreshold: 60
            }
            {
              type: 'Liveness'
              httpGet: {
                path: '/health'
                port: 8000
              }
              periodSeconds: 10
              failureThreshold: 6
            }
            {
              type: 'Readiness'
              httpGet: {
                path: '/health?detailed=true'
                port: 8000
              }
              periodSeconds: 5
            }
          ]
          volumeMounts: [
            {
              volumeName: 'data'
              mountPath: '/data'
            }
          ]
        }
      ]
      volumes: [
        {
          name: 'data'
          storageType: 'EmptyDir'
        }
      ]
      scale: {
        minReplicas: minReplicas
        maxReplicas: maxReplicas
        rules: [
          {
            name: 'calls'
            http: {
              metadata: {
                concurrentRequests: '200'
              }
            }
          }
        ]
      }
    }
  }
  dependsOn: [
    cosmosContainers
    dataAssignment
    vaultAssignment
    adminSecret
    signingSecret
    endpointZones
    zoneLinks
  ]
}

resource group 'Microsoft.ContainerInstance/containerGroups@2023-05-01' = if (host == 'ContainerInstance') {
  name: name
  location: location
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    osType: 'Linux'
    restartPolicy: 'Always'
    subnetIds: privateNetwork ? [
      {
        id: '${network.id}/subnets/proxy'
      }
    ] : null
    ipAddress: {
      type: privateNetwork ? 'Private' : 'Public'
      dnsNameLabel: privateNetwork ? null : '${name}-${suffix}'
      ports: [
        {
          port: 8000
          protocol: 'TCP'
        }
      ]
    }
    containers: [
      {
        name: 'llmproxy'
        properties: {
          image: image
          command: [
            'llmproxy'
            'serve'
          ]
          resources: {
            requests: {
              cpu: json('1.0')
              memoryInGB: json('2.0')
            }
          }
          ports: [
            {
              port: 8000
              protocol: 'TCP'
            }
          ]
          environmentVariables: [
            {
              name: 'ENVIRONMENT'
              value: 'production'
            }
            {
              name: 'HOST'
              value: '0.0.0.0'
            }
            {
              name: 'COSMOS_URL'
              value: cosmos.properties.documentEndpoint
            }
            {
              name: 'LLMPROXY_KEY_VAULT_URL'
              value: vault.properties.vaultUri
            }
            {
              name: 'AZURE_CLIENT_ID'
              value: identity.properties.clientId
            }
            {
              name: 'LLMPROXY_ADMIN_KEY'
              secureValue: adminKey
            }
            {
              name: 'LLMPROXY_SIGNING_KEY'
              secureValue: signingKey
            }
            {
              name: 'APPLICATIONINSIGHTS_CONNECTION_STRING'
              secureValue: insights.properties.ConnectionString
            }
          ]
          livenessProbe: {
            httpGet: {
              path: '/health'
              port: 8000
              scheme: 'http'
            }
            periodSeconds: 10
            failureThreshold: 6
          }
          readinessProbe: {
            httpGet: {
              path: '/health?detailed=true'
              port: 8000
              scheme: 'http'
            }
            periodSeconds: 5
          }
          volumeMounts: [
            {
              name: 'data'
              mountPath: '/data'
            }
          ]
        }
      }
    ]
    volumes: [
      {
        name: 'data'
        emptyDir: {}
      }
    ]
    diagnostics: {
      logAnalytics: {
        workspaceId: logs.properties.customerId
        workspaceKey: logs.listKeys().primarySharedKey
      }
    }
  }
  dependsOn: [
    cosmosContainers
    dataAssignment
    vaultAssignment
    endpointZones
    zoneLinks
  ]
}

@description('Address of the proxy.')
output url string = host == 'ContainerApp' ? 'https://${app.properties.configuration.ingress.fqdn}/v1' : 'http://${group.properties.ipAddress.fqdn}:8000/v1'
output cosmosUrl string = cosmos.properties.documentEndpoint
output vaultName string = vault.name
