import type { Server } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation, protoPath as healthProtoPath } from 'grpc-health-check';
import { packageDefinition } from './proto.ts';

/** Adds the health service; what it says is set by what is returned. `onMethod` is told of its methods. */
export function addHealth(server: Server, onMethod: (path: string) => void): HealthImplementation {
  const health = new HealthImplementation();
  health.addToServer(telling(server, onMethod));
  return health;
}

/** Adds the reflection service, in both its versions. It describes the services named, and health. */
export function addReflection(
  server: Server,
  services: readonly string[],
  onMethod: (path: string) => void,
): void {
  const health = loadSync(healthProtoPath);
  // The package brings a proto-loader of its own; the two differ in nothing it reads.
  const described = { ...packageDefinition, ...health } as never;
  new ReflectionService(described, { services: [...services, 'grpc.health.v1.Health'] }).addToServer(
    telling(server, onMethod),
  );
}

/** The server as these libraries see it: they do not say which methods they add. */
function telling(server: Server, onMethod: (path: string) => void): Server {
  const addService: Server['addService'] = (service, implementation) => {
    for (const { path } of Object.values(service)) onMethod(path);
    server.addService(service, implementation);
  };
  return { addService } as Server;
}
