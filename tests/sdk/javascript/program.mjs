// An unmodified program on the AWS SDK for JavaScript v3: its client, its document client, paginators, waiters, errors.
// Whatever is not as AWS documents it throws; the last line printed is "done".
import assert from 'node:assert/strict'
import {
  BatchWriteItemCommand, ConditionalCheckFailedException, CreateTableCommand, DeleteTableCommand, DescribeTableCommand,
  DynamoDBClient, GetItemCommand, ListTablesCommand, PutItemCommand, ResourceNotFoundException, UpdateTableCommand,
  paginateScan, waitUntilTableExists, waitUntilTableNotExists,
} from '@aws-sdk/client-dynamodb'
import {
  BatchGetCommand, DeleteCommand, DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, ScanCommand,
  UpdateCommand, paginateQuery,
} from '@aws-sdk/lib-dynamodb'

const TableName = 'javascript'
const WAIT = (client) => ({ client, maxWaitTime: 30, minDelay: 1, maxDelay: 1 })

const client = new DynamoDBClient({})
const documents = DynamoDBDocumentClient.from(client, { marshallOptions: { removeUndefinedValues: true } })

async function makeTable() {
  await client.send(new CreateTableCommand({
    TableName,
    BillingMode: 'PAY_PER_REQUEST',
    AttributeDefinitions: [
      { AttributeName: 'pk', AttributeType: 'S' }, { AttributeName: 'sk', AttributeType: 'N' },
      { AttributeName: 'owner', AttributeType: 'S' },
    ],
    KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
    GlobalSecondaryIndexes: [{
      IndexName: 'by-owner',
      KeySchema: [{ AttributeName: 'owner', KeyType: 'HASH' }, { AttributeName: 'sk', KeyType: 'RANGE' }],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    }],
  }))
  await waitUntilTableExists(WAIT(client), { TableName })
  const { Table } = await client.send(new DescribeTableCommand({ TableName }))
  assert.equal(Table.TableStatus, 'ACTIVE')
  assert.ok(Table.CreationDateTime instanceof Date)
  assert.ok((await client.send(new ListTablesCommand({}))).TableNames.includes(TableName))
  await client.send(new UpdateTableCommand({ TableName, DeletionProtectionEnabled: false }))
}

async function everyType() {
  const item = {
    pk: 'types', sk: -1.5, text: 'ü 🎈', empty: '', yes: true, nothing: null, raw: new Uint8Array([0, 255]),
    list: [1, 'two', [3], { four: 4 }], map: { deep: { deeper: [null] } }, names: new Set(['a', 'b']),
    numbers: new Set([1, 2.5]), missing: undefined,
  }
  await documents.send(new PutCommand({ TableName, Item: item }))
  const { Item } = await documents.send(new GetCommand({ TableName, Key: { pk: 'types', sk: -1.5 } }))
  const { missing, ...kept } = item
  assert.deepEqual(Item, kept)
  const exact = '1.2345678901234567890123456789012345678'
  await client.send(new PutItemCommand({ TableName, Item: { pk: { S: 'exact' }, sk: { N: '1' }, n: { N: exact } } }))
  const got = await client.send(new GetItemCommand({ TableName, Key: { pk: { S: 'exact' }, sk: { N: '1' } } }))
  assert.equal(got.Item.n.N, exact)
}

async function updatesAndConditions() {
  const Key = { pk: 'counter', sk: 0 }
  for (let turn = 1; turn <= 3; turn++) {
    const { Attributes } = await documents.send(new UpdateCommand({
      TableName, Key, ReturnValues: 'UPDATED_NEW',
      UpdateExpression: 'SET #n = if_not_exists(#n, :zero) + :one, tags = :tags ADD seen :seen',
      ExpressionAttributeNames: { '#n': 'count' },
      ExpressionAttributeValues: { ':zero': 0, ':one': 1, ':tags': ['x'], ':seen': new Set([`turn-${turn}`]) },
    }))
    assert.equal(Attributes.count, turn)
    assert.equal(Attributes.seen.size, turn)
  }
  const refused = new UpdateCommand({
    TableName, Key, UpdateExpression: 'REMOVE tags[0]', ConditionExpression: '#n > :limit',
    ExpressionAttributeNames: { '#n': 'count' }, ExpressionAttributeValues: { ':limit': 3 },
    ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
  })
  const error = await documents.send(refused).then(() => assert.fail('the condition holds'), (raised) => raised)
  assert.ok(error instanceof ConditionalCheckFailedException)
  assert.equal(error.message, 'The conditional request failed')
  assert.equal(error.Item.count.N, '3')
  assert.equal(error.$metadata.httpStatusCode, 400)
  assert.ok(error.$metadata.requestId)
  const deleted = await documents.send(new DeleteCommand({ TableName, Key, ReturnValues: 'ALL_OLD' }))
  assert.equal(deleted.Attributes.count, 3)
}

async function pages() {
  for (let start = 0; start < 100; start += 25) {
    const writes = Array.from({ length: 25 }, (_, n) => ({
      PutRequest: { Item: { pk: { S: 'many' }, sk: { N: String(start + n) }, owner: { S: n % 2 ? 'odd' : 'even' } } },
    }))
    const { UnprocessedItems } = await client.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: writes } }))
    assert.deepEqual(UnprocessedItems, {})
  }
  const query = {
    TableName, KeyConditionExpression: 'pk = :p AND sk BETWEEN :low AND :high',
    ExpressionAttributeValues: { ':p': 'many', ':low': 10, ':high': 89 }, ScanIndexForward: false,
  }
  const found = []
  for await (const page of paginateQuery({ client: documents, pageSize: 7 }, query)) {
    found.push(...page.Items.map((item) => item.sk))
  }
  assert.deepEqual(found, Array.from({ length: 80 }, (_, n) => 89 - n))
  const owned = await documents.send(new QueryCommand({
    TableName, IndexName: 'by-owner', KeyConditionExpression: '#o = :o', ExpressionAttributeNames: { '#o': 'owner' },
    ExpressionAttributeValues: { ':o': 'odd' }, ReturnConsumedCapacity: 'INDEXES',
  }))
  assert.equal(owned.Count, 48)
  assert.deepEqual(Object.keys(owned.Items[0]).sort(), ['owner', 'pk', 'sk'])
  assert.ok(owned.ConsumedCapacity.GlobalSecondaryIndexes['by-owner'].CapacityUnits > 0)
  const segments = await Promise.all([0, 1, 2].map(async (Segment) => {
    let count = 0
    for await (const page of paginateScan({ client, pageSize: 11 }, { TableName, Segment, TotalSegments: 3 })) {
      count += page.Count
    }
    return count
  }))
  const whole = await documents.send(new ScanCommand({ TableName, Select: 'COUNT' }))
  assert.equal(segments.reduce((sum, count) => sum + count), whole.Count)
  const Keys = [1, 2, 1000].map((sk) => ({ pk: 'many', sk }))
  const batch = await documents.send(new BatchGetCommand({ RequestItems: { [TableName]: { Keys } } }))
  assert.deepEqual(batch.Responses[TableName].map((item) => item.sk).sort(), [1, 2])
}

async function dropTable() {
  await client.send(new DeleteTableCommand({ TableName }))
  await waitUntilTableNotExists(WAIT(client), { TableName })
  const error = await client.send(new DescribeTableCommand({ TableName })).catch((raised) => raised)
  assert.ok(error instanceof ResourceNotFoundException)
}

for (const step of [makeTable, everyType, updatesAndConditions, pages, dropTable]) {
  await step()
  console.log(step.name)
}
console.log('done')
